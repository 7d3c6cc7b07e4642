"""The page to watch, redrive and understand executions on: `python -m localstack.console`.

`make up` starts it. It is a client of the public Step Functions API: it reads histories a part at a time, turns
them into steps, and pushes what is new to the browser. See docs/console.md.
"""
