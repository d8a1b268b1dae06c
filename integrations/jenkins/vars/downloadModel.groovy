/**
 * A step of a shared library: a registered model into the workspace; returns the outputs by name.
 *
 *     withCredentials([string(credentialsId: 'dvc-studio', variable: 'DVC_STUDIO_TOKEN')]) {
 *         def model = downloadModel(model: 'churn', stage: 'prod', dest: 'model')
 *         sh "./deploy.sh '${model.path}'"
 *     }
 *
 * Each argument is an input of studio-action by its name; `image` is the image. It needs an agent with Docker, no plugin.
 */
Map call(Map inputs = [:]) {
    Map given = new LinkedHashMap(inputs)
    String image = given.remove('image') ?: 'ghcr.io/studio-action/studio-action:0.1.0'
    String folder = '.studio-action/outputs'
    given.repo = given.repo ?: env.GIT_URL ?: ''
    given['output-dir'] = folder
    List<String> variables = given.collect { name, value ->
        if (!(name ==~ /[a-z-]+/)) {
            error "downloadModel: '${name}' is not an input"
        }
        "STUDIO_ACTION_${name.toUpperCase().replace('-', '_')}=${value}".toString()
    }
    String options = variables.collect { "--env ${it.tokenize('=')[0]}" }.join(' ')
    withEnv(variables + ["STUDIO_ACTION_IMAGE=${image}".toString()]) {
        sh label: 'Download the model', script: """
            docker run --rm --user "\$(id -u):\$(id -g)" --volume "\$WORKSPACE:\$WORKSPACE" --workdir "\$WORKSPACE" \\
              --env DVC_STUDIO_TOKEN ${options} "\$STUDIO_ACTION_IMAGE" download-model >/dev/null
        """
    }
    Map outputs = [:]
    for (String name in sh(returnStdout: true, script: "ls ${folder}").trim().readLines()) {
        outputs[name] = readFile("${folder}/${name}")
    }
    return outputs
}
