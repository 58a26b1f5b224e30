# SPDX-License-Identifier: Apache-2.0
"""What a reader's samples are taken for, without an API server."""

import unittest

from readers import ABSENT, BUSY, EMPTY, NOT_ASKED, SILENT, WHOLE, Samples, ask

VERSIONS = ("v1alpha2", "v1alpha3")
POLICY = ("store", "one")


class DeadServer:
    """Connections to it are refused."""

    def try_get(self, _path):
        raise ConnectionRefusedError


def samples(*answers):
    return Samples([(float(at), POLICY, *pair) for at, pair in enumerate(answers)], VERSIONS)


class AReader(unittest.TestCase):
    def test_takes_a_refused_connection_for_no_answer(self):
        self.assertEqual(ask(DeadServer(), VERSIONS[0], POLICY), SILENT)

    def test_has_not_seen_a_policy_that_nobody_told_it_of(self):
        seen = samples((SILENT, SILENT), (SILENT, ABSENT), (ABSENT, SILENT))
        self.assertEqual((len(seen.neither()), len(seen.unanswered()), seen.put_off()), (3, 3, []))

    def test_tells_a_server_that_is_not_ready_from_one_that_is_down(self):
        seen = samples((BUSY, BUSY), (BUSY, ABSENT), (BUSY, SILENT))
        self.assertEqual((len(seen.neither()), len(seen.unanswered()), len(seen.put_off())), (3, 1, 2))

    def test_excuses_no_answer_that_says_nothing_of_the_policy(self):
        seen = samples((ABSENT, ABSENT), (EMPTY, ABSENT), (ABSENT, EMPTY))
        self.assertEqual((len(seen.neither()), seen.unanswered(), seen.put_off()), (3, [], []))

    def test_asks_no_more_where_one_version_was_whole(self):
        seen = samples((WHOLE, NOT_ASKED), (WHOLE, SILENT), (SILENT, WHOLE), (BUSY, WHOLE))
        self.assertEqual((seen.neither(), seen.unanswered(), seen.put_off()), ([], [], []))


if __name__ == "__main__":
    unittest.main(verbosity=2)
