"""A Step Functions endpoint for one machine: AWS's API on 127.0.0.1, executions driven by the interpreter.

`python -m localstack.stepfunctions --port 8083` starts it; boto3 and the AWS CLI use it unmodified.
"""
