"""Templates in `dvc.yaml`, filled in as DVC does it (https://dvc.org/doc/user-guide/project-structure/dvcyaml-files#templating).

    pipeline     the stages and artifacts of a `dvc.yaml`
    repetition   one stage as often as `foreach` or `matrix` say
    variables    what `${…}` may name, and how several files of them become one
    files        a file of variables, from the revision alone
    expressions  a text with `${…}` in it
    budget       how much may become of it all

All of it is pure: files come by a function that is passed in.
"""
