"""Projects with templates, which DVC reads or refuses; the tests say how we read them.

The first `dvc.yaml` of a case is the one that is asked about.
"""

from __future__ import annotations

from textwrap import dedent

Case = dict[str, str]


def case(**files: str) -> Case:
    """Files by path: `sub__dvc` is `sub/dvc.yaml`, others are in YAML unless they say."""
    return {_path(name): dedent(text) for name, text in files.items()}


def _path(name: str) -> str:
    path = name.replace("__", "/")
    return path.replace("_json", ".json").replace("_toml", ".toml") + (
        "" if path.endswith(("_json", "_toml")) else ".yaml"
    )


READ: dict[str, Case] = {
    "variables inline": case(
        dvc="""
        vars: [{name: churn, where: {models: [a, b]}}, {size: 3}]
        artifacts:
          m: {path: "${where.models[1]}/${name}-${size}.pkl"}
          "of-${name}": {path: "${ name }"}
        stages:
          train: {cmd: x, outs: ["${where.models[0]}.bin", "${where.models.1}.bin"]}
        """
    ),
    "the file beside it": case(dvc="artifacts: {m: {path: '${p.q}'}}", params="p: {q: m.pkl}"),
    "the file beside it, in a folder": case(
        sub__dvc="artifacts: {m: {path: '${p}'}}", sub__params="p: m.pkl", params="p: not this"
    ),
    "named again": case(
        dvc="vars: [params.yaml, params.yaml]\nartifacts: {m: {path: '${p}'}}", params="p: m"
    ),
    "files": case(
        sub__dvc="""
        vars: [../a.yaml, b.json, "c.toml:x,y", {own: 1}]
        artifacts: {m: {path: "${a}/${b.c}/${x}/${y[1]}/${own}"}}
        """,
        a="a: A",
        sub__b_json='{"b": {"c": 2.50}}',
        sub__c_toml='x = "X"\ny = [1, true]\nz = 1979-05-27\n',
    ),
    "keys of a file, in turn": case(
        dvc="vars: ['a.yaml:x', 'a.yaml:y']\nartifacts: {m: {path: '${x}${y}'}}",
        a="{x: 1, y: 2, z: 3}",
    ),
    "mappings are merged": case(
        dvc="vars: [{a: {y: 2}}]\nartifacts: {m: {path: '${a.x}${a.y}'}}", params="a: {x: 1}"
    ),
    "types in a text": case(
        dvc="""
        vars: [{t: true, f: false, n: null, i: 012, h: 0x1F, d: 1.50, e: 1e3, s: no}]
        artifacts: {m: {path: "${t} ${f} ${n} ${i} ${h} ${d} ${e} ${s}"}}
        """
    ),
    "what means nothing": case(
        dvc=r"""
        vars: [{a: 1}]
        artifacts:
          m: {path: '\${a} ${a} \${ $a $ {a} } $${a}'}
          o: {path: '\${a}'}
          p: {path: "${a"}
        """
    ),
    "over two lines": case(dvc='vars: [{a: 1}]\nartifacts: {m: {path: "${a\\n} ${a} ${\\na}"}}'),
    "steps, spelled otherwise": case(
        dvc="""
        vars: [{a: [[x, y], {b c: z}], "d e": 1, "-1": 2}]
        artifacts:
          m: {path: "${a[0][1]}${a.0[-1]}${a[ 1 ].b c }${ d e }"}
          o: {path: "${a[1] .b c}${-1}${a[+0].0 }"}
        """
    ),
    "a list": case(
        dvc="""
        stages:
          train: {foreach: [eu, us, 3, true, 1.5, ~], do: {cmd: x, outs: ["${item}.pkl"]}}
        """
    ),
    "a list of variables": case(
        dvc="""
        vars: [{all: [eu, true, ~, 3], one: false}]
        stages:
          train: {foreach: "${all}", do: {cmd: x, outs: ["a${item}"]}}
          test:
            foreach: ["${one}", "${all[0]}", false, "x${one}"]
            do: {cmd: x, outs: ["b${item}"]}
        """
    ),
    "a list of mappings": case(
        dvc="""
        vars: [{n: 7}]
        stages:
          train:
            foreach: [{name: a, of: [1, 2]}, b, {name: "c${n}", of: [3, 4]}]
            do: {cmd: x}
          test:
            foreach: [{name: a, of: [1, 2]}, {name: "c${n}", of: [3, 4]}]
            do: {cmd: x, wdir: "w-${item.name}", outs: ["${item.of[1]}.pkl"]}
        """,
    ),
    "a mapping": case(
        dvc="""
        vars: [{p: {b: 2}, s: 5}]
        stages:
          train:
            foreach: {eu: {n: 1}, "u${s}": {n: 2}, 3: {n: 3}, true: {n: "${p.b}"}}
            do: {cmd: x, outs: ["${key}-${item.n}"]}
          test: {foreach: "${p}", do: {cmd: x, outs: [{"t-${key}-${item}": {cache: false}}]}}
        """
    ),
    "a mapping with keys that are no texts": case(
        dvc="stages: {t: {foreach: '${p}', do: {cmd: x, outs: ['t-${key}-${item}']}}}",
        params="p: {2: a, true: b, c: c}",
    ),
    "item and key that are variables as well": case(
        dvc="""
        vars: [{item: I, key: K}]
        artifacts: {m: {path: "${item}${key}"}}
        stages: {t: {foreach: [a], do: {cmd: x, outs: ["${item}-${key}"]}}}
        """
    ),
    "a matrix": case(
        dvc="""
        vars: [{models: [cnn, 2], flags: [true, false]}]
        stages:
          train:
            matrix:
              model: ${models}
              flag: ${flags}
              own: [true, "${models[0]}"]
              deep: [{a: 1}, [b]]
            cmd: x
            outs: ["${key}/${item.model}-${item.flag}-${item.own}"]
        """
    ),
    "a matrix of one": case(
        dvc="stages: {t: {matrix: {a: [1, 2, 1]}, cmd: x, wdir: 'w${item.a}', outs: [o]}}"
    ),
    "a matrix of a mapping's keys, and of characters": case(
        dvc="""
        vars: [{p: {a: 1, b: 2}}]
        stages: {t: {matrix: {of: "${p}", char: xyz}, cmd: x, outs: ["${item.of}${item.char}"]}}
        """
    ),
    "of an empty list": case(
        dvc="stages: {t: {foreach: [], do: {cmd: x}}, u: {matrix: {a: []}, cmd: x}, v: {cmd: x}}"
    ),
    "a stage's own variables": case(
        dvc="""
        vars: [{w: work}]
        stages:
          train:
            cmd: x
            wdir: ${w}
            vars: [own.yaml, {b: 2}, "../more.yaml:c"]
            outs: ["${a}-${b}-${c}"]
          test: {cmd: x, outs: [o]}
        """,
        work__own="a: 1",
        more="{c: 3, d: 4}",
    ),
    "own variables of repeated stages": case(
        dvc="""
        stages:
          train:
            foreach: [x, y]
            do: {cmd: x, wdir: "w${item}", vars: [own.yaml], outs: ["${item}-${a}"]}
        """,
        wx__own="a: 1",
        wy__own="a: 2",
    ),
    "flags of each output": case(
        dvc="""
        vars: [{a: model, r: models}]
        stages:
          train:
            foreach: [model, other]
            do:
              cmd: x
              outs:
              - "${item}.pkl"
              - "${item}.txt": {cache: false}
              - {"${a}-${item}.bin": {remote: "${r}"}}
              metrics: [{"${item}.json": {cache: false}}]
              plots: [{"${item}.csv": {x: a, cache: false}}, "${item}.png"]
        """,
    ),
    "one output after another of the same name": case(
        dvc="stages: {t: {cmd: x, outs: [m, {m: {remote: a}}, {m: {cache: false}}]}}"
    ),
    "words of YAML 1.1": case(
        dvc="""
        artifacts: {no: {path: on}, "off": {path: "yes"}, 1.2.3: {path: 0o8}, y: {path: n}}
        stages: {no: {cmd: x, outs: [no, {on: {cache: false}}]}, 1.2.3: {cmd: y, outs: [yes]}}
        """
    ),
    "of merged mappings": case(
        dvc="""
        stages:
          a: &a {cmd: x, outs: [{a: &flags {cache: false, remote: r}}]}
          b: {<<: *a, outs: [{b: {<<: *flags, remote: s}}, c]}
        """
    ),
    "nothing": case(dvc=""),
    "null variables": case(dvc="artifacts: {m: {path: m}}", params=""),
}

REFUSED: dict[str, Case] = {
    "a variable that is not there": case(dvc="artifacts: {m: {path: '${p}'}}"),
    "a step that is not there": case(dvc="vars: [{p: {q: 1}}]\nartifacts: {m: {path: '${p.r}'}}"),
    "a step too far": case(dvc="vars: [{p: 1}]\nartifacts: {m: {path: '${p.r}'}}"),
    "no number": case(dvc="vars: [{p: [1]}]\nartifacts: {m: {path: '${p.r}'}}"),
    "past the end": case(dvc="vars: [{p: [1]}]\nartifacts: {m: {path: '${p[1]}'}}"),
    "a number that is a text": case(dvc="vars: [{p: {1: a}}]\nartifacts: {m: {path: '${p.1}'}}"),
    "no name": case(dvc="artifacts: {m: {path: 'a${}'}}"),
    "two dots": case(dvc="vars: [{a: {b: 1}}]\nartifacts: {m: {path: '${a..b}'}}"),
    "no bracket": case(dvc="vars: [{a: [1]}]\nartifacts: {m: {path: '${a[0}'}}"),
    "something after a bracket": case(dvc="vars: [{a: [1]}]\nartifacts: {m: {path: '${a[0]b}'}}"),
    "templates in variables": case(dvc="vars: [{a: 1, b: '${a}'}]\nartifacts: {m: {path: '${a}'}}"),
    "a list in an output": case(dvc="vars: [{a: [1]}]\nstages: {t: {cmd: x, outs: ['m${a}']}}"),
    "a list for an output": case(dvc="vars: [{a: [1]}]\nstages: {t: {cmd: x, outs: ['${a}']}}"),
    "a mapping for an output": case(
        dvc="vars: [{a: {b: {}}}]\nstages: {t: {cmd: x, outs: ['${a}']}}"
    ),
    "set twice": case(dvc="vars: [{a: 1}, {a: 1}]\nartifacts: {m: {path: '${a}'}}"),
    "set by the file beside it": case(
        dvc="vars: [{a: {b: 1}}]\nartifacts: {m: {path: '${a.b}'}}", params="a: {b: 1}"
    ),
    "a mapping and none": case(
        dvc="vars: [{a: {}}]\nartifacts: {m: {path: '${a}'}}", params="a: 1"
    ),
    "no such file": case(dvc="vars: [a.yaml]\nartifacts: {m: {path: '${a}'}}"),
    "no such key": case(dvc="vars: ['a.yaml:b']\nartifacts: {m: {path: '${a}'}}", a="a: 1"),
    "taken whole before": case(
        dvc="vars: [a.yaml, 'a.yaml:a']\nartifacts: {m: {path: '${a}'}}", a="a: 1"
    ),
    "of the file beside it": case(
        dvc="vars: ['params.yaml:a']\nartifacts: {m: {path: '${a}'}}", params="a: 1"
    ),
    "taken in part before": case(
        dvc="vars: ['a.yaml:a', a.yaml]\nartifacts: {m: {path: '${a}'}}", a="a: 1"
    ),
    "the same key twice": case(
        dvc="vars: ['a.yaml:a', 'a.yaml:a']\nartifacts: {m: {path: '${a}'}}", a="a: 1"
    ),
    "a file that is a list": case(dvc="vars: [a.yaml]\nartifacts: {m: {path: '${a}'}}", a="[1]"),
    "a file that is no YAML": case(dvc="vars: [a.yaml]\nartifacts: {m: {path: '${a}'}}", a="a: ["),
    "a file that is no TOML": case(
        dvc="vars: [a.toml]\nartifacts: {m: {path: '${a}'}}", a_toml="a"
    ),
    "a date": case(dvc="artifacts: {m: {path: 'm${a}'}}", params="a: 2001-01-01"),
    "foreach over a text": case(
        dvc="stages: {t: {foreach: '${a}', do: {cmd: x, outs: [m]}}}", params="a: b"
    ),
    "a stage that sets item": case(
        dvc="stages: {t: {foreach: [a], do: {cmd: x, vars: [{item: 1}], outs: ['${item}']}}}"
    ),
    "a stage that sets a variable again": case(
        dvc="vars: [{a: 1}]\nstages: {t: {cmd: x, vars: [{a: 1}], outs: ['${a}']}}"
    ),
    "key, of a list": case(dvc="stages: {t: {foreach: [a], do: {cmd: x, outs: ['${key}']}}}"),
    "a number for a name": case(dvc="artifacts: {012: {path: m}}"),
    "nothing for a name": case(dvc="artifacts: {~: {path: m}}"),
    "a number as a path": case(dvc="artifacts: {m: {path: 012}}"),
    "a truth as an output": case(dvc="stages: {t: {cmd: x, outs: [true]}}"),
    "a number for a stage": case(dvc="stages: {1e3: {cmd: x, outs: [m]}}"),
    "a key twice": case(dvc="artifacts: {m: {path: a}, m: {path: b}}"),
}
