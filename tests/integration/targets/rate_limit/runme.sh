#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 cockroachdb_cloud.billing contributors
# SPDX-License-Identifier: GPL-3.0-or-later

# Eight forks at once with one key: more than the ten requests a second that the API allows.
set -eux
export ANSIBLE_ROLES_PATH=../
ansible-playbook --inventory localhost, --inventory fork1,fork2,fork3,fork4,fork5,fork6,fork7,fork8 --forks 8 test.yml "$@"
