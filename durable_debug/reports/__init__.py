"""What is written of runs and audits: text, HTML, JUnit, SARIF, regression tests. It only reads; nothing is computed here."""
