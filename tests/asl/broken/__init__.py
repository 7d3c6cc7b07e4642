"""Broken machines, one or more for each check."""

from tests.asl.broken.data import DATA
from tests.asl.broken.graph import GRAPH
from tests.asl.broken.integrations import INTEGRATIONS
from tests.asl.broken.material import Cases
from tests.asl.broken.policy import POLICY

BROKEN: Cases = GRAPH | DATA | INTEGRATIONS | POLICY
