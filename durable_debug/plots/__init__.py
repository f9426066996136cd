"""Views of a history: pure functions to a networkx graph, DataFrames and matplotlib axes.

Each module has one of them and is imported when it is used: matplotlib, networkx and pandas take their time.
`History` has methods of the same names.
"""
