"""The CDK app: what the platform is on AWS, and the same stacks for the emulator on one machine.

`python -m infra --help` says how to synthesize; `docs/deploy.md` how to bring it to an account.
"""
