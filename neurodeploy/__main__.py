"""`python -m neurodeploy`: the command line."""

import sys

from neurodeploy.cli.main import main

sys.exit(main())
