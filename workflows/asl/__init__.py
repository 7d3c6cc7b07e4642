"""Amazon States Language (JSONPath) as typed Python: build, check, render, permit, draw, interpret.

Knows nothing of trading. The words a machine is written with are in `states`, `paths`, `conditions`, `context`,
`intrinsics` and `resources`; `machine.Machine` puts them together and refuses what `checks` finds wrong;
`render`, `iam` and `mermaid` make things of it. `interpreter` runs any definition, without I/O.
"""
