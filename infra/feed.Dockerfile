# The feed, for Fargate. `make feed-image` builds it from the root of this repository and pushes it.
# Python 3.11, because that is what the tests run KiteTicker's Twisted and autobahn on.
FROM public.ecr.aws/docker/library/python:3.11-slim-bookworm

ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /feed
COPY requirements-feed.txt .
RUN pip install --no-cache-dir --only-binary :all: --no-deps -r requirements-feed.txt
COPY brokers brokers
COPY tasks tasks
RUN rm -rf brokers/simulator tasks/cli && useradd --no-create-home --uid 10001 feed
USER 10001
ENTRYPOINT ["python", "-m", "tasks.feed"]
