"""A month of trading, through the real pipeline into the lake, beside the exchange's own ledger (`make month`).

Real are: the machines' committed definitions and their interpreter, every task of the order path, the Zerodha
adapter above its HTTP client, the exchange simulator, RecordEvents, the lake's message forms, SQS and S3 of
ministack (over HTTP), the writer's handler, compaction, and DuckDB reading from S3. Simulated are time, the
tables (the stores in memory, whose writes make the streams' records) and EventBridge, which here puts every
event straight into the lake's queue.
"""
