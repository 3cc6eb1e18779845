"""Simulations, for a procedure's author."""

from chassis.errors import Invalid
from chassis.web import Answer, Call, Router
from workflow.domain.simulations import Case, simulate
from workflow.queries.simulations import SimulationQueries
from workflow.schemas import simulations as schemas


def add_routes(router: Router, queries: SimulationQueries) -> None:
    @router.post("/simulations", scope="processes.simulate", answers={200: schemas.Simulation}, raises=[Invalid])
    def simulate_process(call: Call, body: schemas.SimulationBody) -> Answer:
        """Tries a process definition on made-up dossiers: what opens when, by when, how long it takes, where it ends.

        Each step is done when its time is over. Nothing is stored, so there is nothing to repeat.
        """
        budget = None if body.budget is None else body.budget.duration()
        setting = queries.setting(body.agency, body.received_at, body.latest_hour(), budget)
        cases = [Case(name=case.name, facts=case.facts, outcomes=case.outcomes) for case in body.cases]
        runs, findings = simulate(body.procedure(), cases, setting)
        names = {step.id: step.name for step in body.process.steps}
        serious = any(finding.serious for run in runs for finding in run.findings)
        return Answer(
            schemas.Simulation(
                clock_at=setting.clock_at,
                fit=not serious,
                runs=[schemas.RunView.of(run) for run in runs],
                findings=[schemas.FindingView.of(finding, names) for finding in findings],
            )
        )
