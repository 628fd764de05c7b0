"""One architecture a file: a frozen `Config`, `build(config)`, and `candidates(shapes)`, which guesses Configs.

`shapes` are those of a state dict's tensors in order, as tuples, without its scalars (counters of batch norm). Every
candidate is a guess from a few of them, right or nearly so: compare `registry.state_shapes` to be sure. What shapes do
not tell (activation, pooling, attention heads) is the Config's default in the first candidate.

No module works in place, fuses attention or keeps state between calls, so reverse and forward differentiation, twice
and under `torch.func`, go through all of them (batch norm in evaluation, or in training on cloned buffers).
"""
