"""What every stack of the app has in common."""

from __future__ import annotations

from aws_cdk import DefaultStackSynthesizer, Environment, IStackSynthesizer, Stack
from constructs import Construct

from infra.settings import Settings


class AlgoStack(Stack):
    """A stack at the place that the settings name."""

    def __init__(self, scope: Construct, construct_id: str, settings: Settings, *, description: str) -> None:
        super().__init__(
            scope,
            construct_id,
            description=description,
            env=Environment(account=settings.account, region=settings.region),
            synthesizer=_synthesizer(settings),
            analytics_reporting=False,
            suppress_template_indentation=settings.local,
            termination_protection=not settings.local,
        )
        self.settings = settings


def _synthesizer(settings: Settings) -> IStackSynthesizer:
    """On AWS the usual bootstrap; the emulator has no roles to assume and no version to look up."""
    return DefaultStackSynthesizer(generate_bootstrap_version_rule=not settings.local)
