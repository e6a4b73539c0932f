"""`python -m sleepy_agent.cli`: the same as `sleepy`."""

import sys

from sleepy_agent.cli.main import main

sys.exit(main())
