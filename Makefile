# Everything a person does here starts with `make`. A new machine needs Python 3.11+, Node 20+ and make.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
EMULATOR := .venv-emulator
BIN := $(VENV)/bin
PAGE := build/console/index.html
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 20
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help install page pictures layers synth deploy feed-image deploy-feed demo up strategy skip mail admin down \
	cases case kills killday blackbox feed-day conformance bench faults mutants month guards test story check format
.DEFAULT_GOAL := help

help:  ## What can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

install: $(VENV)/.done $(EMULATOR)/.done  ## Both Python environments

$(VENV)/.done: requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check uv==0.13.9
	$(BIN)/uv pip sync --quiet --python $(BIN)/python requirements.txt
	touch $@

# Drives a browser, for tests, pictures and benchmarks. The demo does without.
$(VENV)/.browser: requirements-browser.txt $(VENV)/.done
	$(BIN)/uv pip install --quiet --python $(BIN)/python -r requirements-browser.txt
	touch $@

# ministack pins its own botocore, and Lambda code runs under its interpreter: an environment of its own.
$(EMULATOR)/.done: requirements-emulator.txt $(VENV)/.done
	$(PYTHON) -m venv --without-pip $(EMULATOR)
	$(BIN)/uv pip sync --quiet --python $(EMULATOR)/bin/python requirements-emulator.txt
	touch $@

demo: install  ## One strategy's day, from schedule to profit or loss; DATE= WEEKDAYS= INSTRUMENTS=
	@$(BIN)/python -m localstack.demo $(if $(DATE),--date $(DATE)) $(if $(WEEKDAYS),--weekdays $(WEEKDAYS)) \
		$(if $(INSTRUMENTS),--instruments $(INSTRUMENTS))

up: install page  ## The platform on this machine; AT=2026-11-23T09:20 sets its clock, INSTRUMENTS= its contracts
	@$(BIN)/python -m localstack up $(if $(AT),--at $(AT)) $(if $(INSTRUMENTS),--instruments $(INSTRUMENTS))

strategy:  ## On the running platform, a strategy that enters in 5 minutes, or at ENTRY=09:30
	@$(BIN)/python -m localstack strategy $(if $(ENTRY),--entry $(ENTRY))

skip:  ## Let time pass at once on the running platform: UNTIL=09:40
	@$(BIN)/python -m localstack skip --until $(UNTIL)

.PHONY: pages gameday
pages:  ## Who would have been called on it, when, and the runbook page of each call
	@$(BIN)/python -m localstack pages

gameday: install  ## A named disaster on the local platform: NAME= (none: the list); FIX=1 lets it follow the runbook itself
	@$(BIN)/python -m localstack.gameday $(NAME) $(if $(FIX),--fix)

mail:  ## The e-mails it sent; FOR=asha@example.com: the newest code alone
	@$(BIN)/python -m localstack mail $(if $(FOR),--code-for $(FOR))

admin:  ## Make a user of it an admin: EMAIL=meera@example.com
	@$(BIN)/python -m localstack admin $(EMAIL)

down:  ## Stop it
	@$(BIN)/python -m localstack down

cases: install  ## What happens when a reply is lost, a leg is rejected, …: the broker's ledger beside ours
	@$(BIN)/python -m localstack.cases

case: install  ## One of them: NAME=lost-reply-accepted
	@$(BIN)/python -m localstack.cases $(NAME)

blackbox: install  ## The five faults of the peers' table through the whole HTTP stack: what we said, what the broker had
	@$(BIN)/python -m localstack.blackbox

faults: install  ## The fault matrix on simulated time; SEEDS=20000 FIRST_SEED=1, PAIRS=2000, ON=moto, or one day: SEED=17, CELL=F5/P6 SHAPE=4h-3-slow
	@$(BIN)/python -m tests.faults $(if $(SEED),--seed $(SEED)) $(if $(CELL),--cell $(CELL)) \
		$(if $(SHAPE),--shape $(SHAPE)) $(if $(SEEDS),--seeds $(SEEDS)) $(if $(FIRST_SEED),--first-seed $(FIRST_SEED)) \
		$(if $(PAIRS),--pairs $(PAIRS)) $(if $(ON),--on $(ON))

month: install  ## A simulated month into the lake, beside the exchange's ledger; some minutes. DAYS=3, KEEP=a folder
	@$(BIN)/python -m tests.month $(if $(DAYS),--days $(DAYS)) $(if $(KEEP),--keep $(KEEP))

guards: install  ## Each guard of the order path switched off, and the cells that miss it
	@$(BIN)/python -m tests.faults --guards

mutants: install  ## Small mistakes in the domain and the order path, and whether a test notices; SAMPLE=350 SEED=1 MODULE=tasks.domain.pace
	@$(BIN)/python -m tests.mutation $(if $(SAMPLE),--sample $(SAMPLE)) $(if $(SEED),--seed $(SEED)) \
		$(if $(MODULE),--module $(MODULE))

kills: install  ## kill -9 of the Step Functions endpoint at random moments; COUNT=50
	@$(BIN)/python -m localstack.kills $(if $(COUNT),--count $(COUNT))

feed-day: install  ## A simulated day of the feed, killed every minute and silent for five; SEED=7 DAYS=1
	@$(BIN)/python -m tests.feed.day $(if $(SEED),--seed $(SEED)) $(if $(DAYS),--days $(DAYS)) 2>/dev/null

killday: install page  ## kill -9 of any process every 20 to 60 s while strategies trade; MINUTES=20 SEED=1
	@$(BIN)/python -m localstack.killday $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED))

conformance: install  ## How much of what AWS recorded the Step Functions endpoint does alike
	@$(BIN)/python -m tests.interpreter.recorded

bench: install page $(VENV)/.browser  ## How fast it is
	@$(BIN)/python -m bench

node_modules: package.json package-lock.json
	npm ci --ignore-scripts --silent
	touch $@

page: $(PAGE)  ## The page to watch executions on, bundled

$(PAGE): node_modules $(shell find localstack/console/page -type f)
	node localstack/console/page/build.mjs
	touch $@

pictures: install page $(VENV)/.browser  ## The README's pictures of the page and the report, taken anew (needs chromium)
	@$(BIN)/python -m localstack.console.pictures
	@$(BIN)/python -m tests.reports.picture

layers: install  ## The functions' dependencies, built for Lambda
	@$(BIN)/python -m infra.layers

synth: layers node_modules  ## The CloudFormation templates, checked, in cdk.out
	node_modules/.bin/cdk synth --quiet
	$(BIN)/cfn-lint

STACKS := AlgoData AlgoCompute AlgoApi AlgoMachines AlgoLake

deploy: synth  ## To the AWS account of your credentials; ALARM_EMAIL= is told of trouble, MAIL_FROM= sends mail
	node_modules/.bin/cdk deploy $(STACKS) $(if $(ALARM_EMAIL),--context alarmEmail=$(ALARM_EMAIL)) \
		$(if $(MAIL_FROM),--context mailFrom=$(MAIL_FROM))

feed-image: install  ## The feed's image, built and pushed to the account's repository (needs Docker)
	@TAG=$$($(BIN)/python -m infra.feed_image) && REGION=$${AWS_REGION:-ap-south-1} && \
		HOST=$$(aws sts get-caller-identity --query Account --output text).dkr.ecr.$$REGION.amazonaws.com && \
		aws ecr get-login-password --region $$REGION | docker login --username AWS --password-stdin $$HOST && \
		docker build --platform linux/amd64 --file infra/feed.Dockerfile --tag $$HOST/algo-feed:$$TAG . && \
		docker push $$HOST/algo-feed:$$TAG

deploy-feed: synth  ## The feed on Fargate, once its image is there
	node_modules/.bin/cdk deploy AlgoFeed

test: install page $(VENV)/.browser  ## The tests; `make story` has the long ones
	$(BIN)/pytest -n 2 --dist loadfile --ignore=tests/story -m "not long"

story: install page  ## Two days of users over HTTP, the tutorial, the API under fire, kills and game days; some minutes
	$(BIN)/pytest tests/story
	$(BIN)/pytest -m long --ignore=tests/story

check: install node_modules $(VENV)/.browser  ## Style, types, and which way imports go, in under a minute
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	node_modules/.bin/tsc -p localstack/console/page

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
