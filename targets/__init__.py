"""Back ends and chips; each back end registers by the entry-point group `neurodeploy.targets`."""

if __name__ != "neurodeploy.targets":
    raise ImportError("import neurodeploy.targets, not targets: a second copy of every class would be made")
