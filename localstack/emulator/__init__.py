"""ministack as this platform needs it: started with a small shim for what it does differently from AWS.

Runs under the interpreter of `.venv-emulator` (`python -m localstack.emulator`), so that this package imports
nothing of the project. `localstack.ministack` starts and stops it from the project's own environment.
"""
