"""What a Task can call, and how it is called: through boto3, with the endpoints from the environment."""
