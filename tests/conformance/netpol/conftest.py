"""The tally of these corpora."""

import pytest
from tallies import Counts, told


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Counts:
    """Verdicts on the network policy corpora, shown at the end of a run whether or not a case failed."""
    return told(request.config).of("network policy corpora")
