"""Reviews in which servers are killed: no answer may be lost, counted twice, or missing from a field's history.

In each interleaving several reviewers work on a small batch through servers that are killed by SIGKILL at random
moments and started again. What a reviewer sent to a server that died they send again, with the same key, as the review
page does. Exports are written meanwhile. Afterwards the ledger is compared with what the reviewers know.
"""
