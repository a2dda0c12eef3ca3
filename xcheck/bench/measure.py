"""rounds: the cells of one group in one process, interleaved with a matrix product and a fill."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from xcheck._problem import adapter
from xcheck.bench.facts import facts
from xcheck.bench.messages import Answer, Block, Request
from xcheck.bench.networks import sizes
from xcheck.bench.ready import arithmetic, find, make_ready
from xcheck.bench.roof import roof_bodies
from xcheck.bench.rounds import Body, interleave
from xcheck.bench.schema import Group
from xcheck.quantity import Implementation


def rounds(request: Request) -> Answer:
    """The blocks of each implementation, which a trial has found to be fit for it."""
    group = request.group
    case, quantity, declared = find(group)
    made = [declared(name) for name in request.implementations]
    frameworks = tuple(sorted({one.framework for one in made}))
    # The trials have told what compiling costs; a group's processes share what the first of them compiles.
    for framework in frameworks:
        adapter(framework).prepare_worker(str(Path(request.scratch) / "compiled"))
    with arithmetic(group, frameworks):
        bodies = [_body(group, one) for one in made]
        bodies += roof_bodies(group.dtype, group.device, quantity.bytes(sizes(case, group.dtype)))
        samples, settled = interleave(bodies, request.baseline, budget=request.budget, seed=request.seed)
    blocks = {name: Block(**asdict(one)) for name, one in samples.items()}
    return Answer(blocks=blocks, settled=settled, facts=facts(frameworks))


def _body(group: Group, made: Implementation) -> Body:
    """Its body; one that raises whenever it is called where it could not be made ready beside those before it."""
    try:
        return make_ready(group, made).body
    except Exception as error:  # an implementation may raise anything
        failed = error

    def launch(k: int) -> None:
        raise failed

    return Body(made.name, launch, lambda result: result)
