"""Train on a table with holes, judge on rows it has not seen, save, load, predict."""

import polars as pl

from pellucid import TabularRegressor, load

table = pl.read_csv("examples/penguins.csv").drop_nulls("body_mass_g")
mass = table.drop_in_place("body_mass_g")
test = pl.int_range(len(table), eager=True) % 5 == 0

model = TabularRegressor(random_state=0).fit(table.filter(~test), mass.filter(~test))
print(f"R² on {test.sum()} penguins not seen: {model.score(table.filter(test), mass.filter(test)):.2f}")

model.save("mass.pellucid", overwrite=True)
predicted = load("mass.pellucid").predict(table.head(1))[0]
print(f"predicted: {predicted / 1000:.1f} kg, weighed: {mass[0] / 1000:.1f} kg")
