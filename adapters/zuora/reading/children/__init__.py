"""What belongs to a parent, one module for each family of kinds: every child, whatever number of pages that takes.

Expanded children are cut at the page without a mark: a list that is as long as the page is read again by itself.
"""
