"""The page to watch, redrive and understand executions in: `python -m localstack.console` (`make up` starts it).

A client of the public Step Functions API. It reads histories a part at a time, turns them into steps, and pushes
what is new to the browser. See docs/console.md.
"""
