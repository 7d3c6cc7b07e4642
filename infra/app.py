"""The app: which stacks there are and what each gets from the other."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

from aws_cdk import App, Validations
from aws_cdk.cx_api import CloudAssembly

from infra.api import ApiStack
from infra.code import write_code_zip
from infra.compute import ComputeStack
from infra.data import DataStack
from infra.settings import REGION, Settings

FLAGS = {
    "@aws-cdk/aws-iam:minimizePolicies": True,
    "@aws-cdk/core:target-partitions": ["aws"],
    "@aws-cdk/core:strictCfnValidateErrors": True,
}


def new_app(output: Path | None, *, local: bool = False) -> App:
    """An empty app. `output` None leaves the folder to the `cdk` command line, which names it."""
    return App(
        outdir=str(output) if output else None,
        context=FLAGS,
        analytics_reporting=False,
        # On one machine these cost half the time and nobody reads them.
        builtin_cloud_formation_validation=not local,
        stack_traces=not local,
        tree_metadata=not local,
    )


def settings_from_context(app: App, layers: Path) -> Settings:
    """What `cdk -c name=value` and cdk.json say; the account is the one whose credentials `cdk` found."""
    context = app.node.try_get_context
    return Settings(
        account=os.environ.get("CDK_DEFAULT_ACCOUNT"),
        region=context("region") or REGION,
        alarm_email=context("alarmEmail") or "",
        mail_from=context("mailFrom") or "",
        layers=layers,
    )


def synthesize(app: App, settings: Settings) -> CloudAssembly:
    """Add the stacks to `app` and write the cloud assembly.

    For AWS, cdk-nag's findings that nobody has answered fail the synthesis.
    """
    if not settings.local:
        from cdk_nag import AwsSolutionsChecks  # noqa: PLC0415  (a tenth of a second that one machine can spare)

        Validations.of(app).add_plugins(AwsSolutionsChecks(app, write_suppressions_to_cloud_formation=True))
    with TemporaryDirectory() as folder:
        data = DataStack(app, settings)
        compute = ComputeStack(app, settings, code_zip=write_code_zip(Path(folder)))
        compute.add_stack_dependency(data)
        ApiStack(app, settings).add_stack_dependency(compute)
        if not settings.local:
            from infra.feed import FeedStack  # noqa: PLC0415  (on one machine the feed is a process)
            from infra.lake import LakeStack  # noqa: PLC0415  (the emulator has no Athena)
            from infra.machines import MachinesStack  # noqa: PLC0415  (builds the machines, which takes a second)

            MachinesStack(app, settings).add_stack_dependency(compute)
            LakeStack(app, settings).add_stack_dependency(data)
            FeedStack(app, settings).add_stack_dependency(compute)
        return app.synth()
