"""`algo`: the command line over the HTTP API, on one machine or on AWS. It never runs in a Lambda."""
