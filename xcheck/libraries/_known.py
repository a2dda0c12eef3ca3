"""What several libraries run into, said once: names of cases, and gaps that hold for more than one adapter."""

from __future__ import annotations

from xcheck.result import Limitation

#: Cases with a softmax cross-entropy.
CLASSIFIERS = (
    "*classifier*,digits*,convolution,residual,layer_norm,batch_norm_*,embedding,shared_linear,attention,relu,"
    "recurrent,*_overlapping,large_logits,group_norm,rms_norm,instance_norm,deep_mlp*"
)
REUSED = "shared_linear,recurrent"

#: The hooks keep what a layer saw last, so its first call is forgotten.
TWICE = Limitation("a layer that is used twice", "docs/findings.md, 2", case=REUSED)
AGAIN = Limitation("a layer that runs again before the backward pass", "docs/findings.md, 16", case="td_semigradient")

NORM_HESSIAN = (
    "docs/findings.md#pytorch-nested-transforms-of-torchfunc-through-layer-normalisation-are-wrong-torchfunchessian-too"
)
#: torch.func through a normalisation, in whatever differentiates twice by it.
NORMS = (
    Limitation(
        "torch.func is wrong through a normalisation", NORM_HESSIAN, case="layer_norm,attention,instance_norm"
    ),
    Limitation(
        "batch normalisation in training writes its statistics", "https://github.com/pytorch/pytorch/issues/85533",
        outcome="raised", case="batch_norm_train",
    ),
)  # fmt: skip
GROUP_NORM = Limitation(
    "a Hessian through group_norm inside of no_grad", "docs/findings.md, 23", outcome="raised",
    case="group_norm",
)  # fmt: skip

#: BackPACK, alone and inside laplace-torch.
BACKPACK_REFUSES = (
    r"Extension saving to \w+ does not have an extension for Module",
    "BackPACK extension expects a backpropagation quantity but it is None. Module: ",
)
REUSES = Limitation("a layer that is used twice raises", "docs/findings.md, 24", outcome="raised", case=REUSED)
EMBEDDED = Limitation(
    "an Embedding in float64", "docs/findings.md, 17", outcome="raised", case="embedding", dtype="float64"
)
POOLED = Limitation(
    "average pooling in float64", "docs/findings.md, 14", outcome="raised", dtype="float64",
    case="convolution,average_pool_overlapping",
)  # fmt: skip

#: ASDL, alone and inside laplace-torch: it keeps gradients by layer, and only of layers that it knows.
LEFT_OUT = tuple(
    Limitation("parameters outside of known layers are left out", "docs/findings.md, 10", outcome=outcome, case=case)
    for outcome, case in (
        ("raised", "convolution,embedding,attention,group_norm,instance_norm"),
        ("wrong_shape", "rms_norm,group_norm,instance_norm,attention"),
    )
)
ATTENTION = Limitation(LEFT_OUT[1].reason, LEFT_OUT[1].link, outcome="wrong_shape", case="attention")
TOKEN = Limitation("a token that occurs twice", "docs/findings.md, 4", case="embedding")
GROUPED = Limitation("a grouped convolution", "docs/findings.md, 3", case="convolution")
