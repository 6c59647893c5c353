"""The settings of the papers as data: one TOML file a published training."""

from neurodeploy.training.recipes.recipe import Recipe, load_recipe, recipe_names

__all__ = ["Recipe", "load_recipe", "recipe_names"]
