"""Train on a table with holes, judge on rows it has not seen, save, load, predict."""

from pathlib import Path

import polars as pl

from pellucid import TabularClassifier, load

table = pl.read_csv(Path(__file__).parent / "penguins.csv")
species = table.drop_in_place("species")
test = pl.int_range(len(table), eager=True) % 5 == 0

model = TabularClassifier(random_state=0).fit(table.filter(~test), species.filter(~test))
print(f"accuracy on {test.sum()} rows not seen: {model.score(table.filter(test), species.filter(test)):.3f}")

model.save("penguins.pellucid", overwrite=True)
print(load("penguins.pellucid").predict({**{name: [None] for name in table.columns}, "bill_length_mm": [49.0]}))
