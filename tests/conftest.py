"""What every test may use, and the account of what was left out."""

pytest_plugins = ["tests.harness.fixtures", "tests.harness.groups", "tests.harness.database", "tests.harness.left_out"]
