"""The platform on one machine, without Docker: `python -m localstack up`, `.demo`, `.cases`.

`stepfunctions` is the Step Functions endpoint, `emulator` starts ministack for the rest of AWS, `schedule_loop`
fires EventBridge Scheduler's schedules. `platform` starts and deploys all of them, `conductor` moves the one
clock when nothing is under way. Nothing imports this package: on AWS it is not there.
"""
