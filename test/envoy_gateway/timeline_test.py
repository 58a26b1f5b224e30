# SPDX-License-Identifier: Apache-2.0
"""The arithmetic of what the proxies were told, without any of them."""

import unittest

from timeline import PLAINTEXT, TLS, gaps, rows, state_at, states, table

COVERED = ("a", "b")


def answer(time, **clusters):
    return {"time": time, "what": "answer", "clusters": clusters}


class Timeline(unittest.TestCase):
    reports = [
        {"time": 9.0, "what": "connected"},
        answer(10.0, a=TLS, b=TLS, other=PLAINTEXT),
        answer(20.0, a=TLS, b=PLAINTEXT),
        answer(21.0, a=PLAINTEXT, b=PLAINTEXT),
        {"time": 22.0, "what": "lost"},
        answer(30.0, a=TLS, b=PLAINTEXT),
        answer(32.5, a=TLS, b=TLS),
    ]

    def setUp(self):
        self.seen = states(self.reports, COVERED)

    def test_a_gap_lasts_from_the_first_cluster_without_tls_until_none_is(self):
        self.assertEqual(gaps(self.seen), [(20.0, 32.5)])

    def test_a_gap_may_last(self):
        self.assertEqual(gaps(self.seen[:-1]), [(20.0, None)])

    def test_what_is_not_covered_does_not_count(self):
        self.assertEqual(gaps(self.seen[:1]), [])

    def test_a_cluster_that_is_not_there_is_a_gap(self):
        self.assertEqual(gaps(states([answer(1.0, a=TLS)], COVERED)), [(1.0, None)])

    def test_two_gaps_are_two(self):
        again = self.seen + states([answer(40.0, a=TLS), answer(41.0, a=TLS, b=TLS)], COVERED)
        self.assertEqual(gaps(again), [(20.0, 32.5), (40.0, 41.0)])

    def test_a_proxy_without_its_controller_goes_on_as_told(self):
        self.assertEqual(state_at(self.seen, 29.9).count(PLAINTEXT), 2)
        self.assertIsNone(state_at(self.seen, 9.5))

    def test_a_row_is_a_moment_or_a_change(self):
        lines = rows(self.seen, [("begin", 19.0), ("end", 33.0)])
        told = "… the proxies are told"
        self.assertEqual(lines, [("begin", 2, 0, 0.0), (told, 1, 1, 1.0), (told, 0, 2, 2.0), (told, 1, 1, 11.0),
                                 (told, 2, 0, 13.5), ("end", 2, 0, 14.0)])
        self.assertEqual(table("moment", lines[:1]).splitlines()[2], "| begin | 2 | 0 | 0.00 |")


if __name__ == "__main__":
    unittest.main(verbosity=2)
