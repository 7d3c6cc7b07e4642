"""The feed: a long-running process that hears the market and watches stops: `python -m tasks.feed`.

`watching` is what stops and targets plug into; `service` is the process; `docs/feed.md` tells it to people.
"""
