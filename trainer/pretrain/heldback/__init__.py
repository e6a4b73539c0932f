"""What is kept out of pretraining altogether, so that nights can be seen to learn it from near zero: the families
`async_runtime`, `serde` and `patterns`, and the style of an invented house.

Nothing here is a generator of lessons: `trainer.pretrain.registry` looks into `programs/` and `mutations/` alone.
"""
