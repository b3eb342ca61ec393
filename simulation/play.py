"""Plays a plan in its own world; what the process has of its own is as before afterwards."""

from __future__ import annotations

import logging
import os
import random

from simulation.outcome import Outcome
from simulation.plan import Plan
from simulation.service import KEY_ID, KEY_SECRET
from simulation.world import World


def simulate(plan: Plan) -> Outcome:
    """Play a plan. Equal plans have equal outcomes and traces."""
    before = logging.root.manager.disable
    names = {"ALIBABA_CLOUD_ACCESS_KEY_ID": KEY_ID, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": KEY_SECRET}
    kept = {name: os.environ.get(name) for name in names}
    state = random.getstate()
    logging.disable(logging.CRITICAL)
    os.environ.update(names)
    random.seed(plan.seed)  # of the waits between retries
    try:
        return World(plan).play()
    finally:
        random.setstate(state)
        logging.disable(before)
        for name, value in kept.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
