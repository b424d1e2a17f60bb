# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This document fragment is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""The connection options, documented once."""

from __future__ import annotations


class ModuleDocFragment:
    """C(DOCUMENTATION) is for modules and plugins alike, C(PLUGINS) adds what only plugins may say."""

    DOCUMENTATION = r"""
options:
  api_key:
    description:
      - The secret key of a service account of CockroachDB Cloud that has the role C(BILLING_COORDINATOR) or
        C(CLUSTER_ADMIN) at the scope of the organization. C(BILLING_VIEWER) is the least privilege to try; it is not
        known whether it is enough.
      - If neither O(api_key) nor O(api_jwt) is given, the environment variable E(COCKROACH_API_KEY) is used, and after
        that E(COCKROACH_API_JWT). An option given explicitly beats both variables.
      - White space around it is taken away. It is an error when it is empty, shorter than 8 characters, in quotes, or
        has anything but visible ASCII inside.
      - Mutually exclusive with O(api_jwt).
    type: str
  api_jwt:
    description:
      - A JWT from an issuer that the organization has configured, in place of O(api_key). Needs O(vanity_name).
      - If neither O(api_key) nor O(api_jwt) is given, the environment variable E(COCKROACH_API_JWT) is used, unless
        E(COCKROACH_API_KEY) is set too.
      - It is checked as O(api_key) is.
      - Mutually exclusive with O(api_key).
    type: str
  vanity_name:
    description:
      - The vanity name of the organization, which a JWT does not say. It is sent with O(api_jwt) only.
      - If not given, the environment variable E(COCKROACH_VANITY_NAME) is used.
    type: str
  username:
    description:
      - The e-mail address or the service account id to act as, for a JWT that stands for several identities. It is sent
        with O(api_jwt) only.
      - If not given, the environment variable E(COCKROACH_USERNAME) is used.
    type: str
  api_url:
    description:
      - The base URL of the API. A path prefix and a trailing slash are accepted; user info, a query and a fragment are
        not. C(/api/v1) is no part of it.
      - It begins with C(https://). Plain C(http://) is accepted for C(localhost), C(127.0.0.1) and C([::1]) alone, as a
        credential is never sent in the clear.
      - Redirects are not followed, so that the credential goes to this address and nowhere else.
      - If not given, the environment variable E(COCKROACH_SERVER) is used.
    type: str
    default: https://cockroachlabs.cloud
  api_version:
    description:
      - The version of the API that the answers are in, a date. It is sent as C(Cc-Version).
    type: str
    default: "2024-09-16"
  validate_certs:
    description:
      - Whether the TLS certificate of the API has to be valid. It beats E(REQUESTS_CA_BUNDLE).
    type: bool
    default: true
  ca_path:
    description:
      - A file with the CA certificates to trust, in PEM format, or a directory of such files prepared with C(c_rehash).
        It beats E(REQUESTS_CA_BUNDLE). Without it, that variable and after it the CA certificates of the requests
        library count.
    type: path
  timeout:
    description:
      - The longest that one attempt may take, in seconds, from connecting to the last byte of the body.
    type: int
    default: 30
  retries:
    description:
      - How many further attempts are made after the first when the connection fails, an attempt takes too long, the
        body breaks off or the API answers with the status 500, 502, 503 or 504.
      - The rate limit is not counted. It is waited out for two minutes for each call.
      - With V(0) there is one attempt, whatever comes of it.
    type: int
    default: 4
  retry_max_delay:
    description:
      - The longest single wait between two attempts, in seconds. Waits grow from attempt to attempt and are partly
        random; when the API says how long to wait, that counts.
      - When the API asks for a longer wait than this, the call fails at once and says how long.
    type: int
    default: 60
notes:
  - Proxies come from the environment (E(HTTPS_PROXY), E(NO_PROXY)). An entry in C(~/.netrc) never replaces the
    credential.
  - The API allows ten requests a second for each user.
"""

    PLUGINS = r"""
options:
  api_key:
    env:
      - name: COCKROACH_API_KEY
    vars:
      - name: cockroachdb_cloud_api_key
  api_jwt:
    env:
      - name: COCKROACH_API_JWT
    vars:
      - name: cockroachdb_cloud_api_jwt
  vanity_name:
    env:
      - name: COCKROACH_VANITY_NAME
    vars:
      - name: cockroachdb_cloud_vanity_name
  username:
    env:
      - name: COCKROACH_USERNAME
    vars:
      - name: cockroachdb_cloud_username
  api_url:
    env:
      - name: COCKROACH_SERVER
    vars:
      - name: cockroachdb_cloud_api_url
  api_version:
    vars:
      - name: cockroachdb_cloud_api_version
  validate_certs:
    vars:
      - name: cockroachdb_cloud_validate_certs
  ca_path:
    vars:
      - name: cockroachdb_cloud_ca_path
  timeout:
    vars:
      - name: cockroachdb_cloud_timeout
  retries:
    vars:
      - name: cockroachdb_cloud_retries
  retry_max_delay:
    vars:
      - name: cockroachdb_cloud_retry_max_delay
"""

    MODULES = r"""
options: {}
requirements:
  - requests >= 2.29 on the host that the module runs on
notes:
  - The module runs on the host of the task, and reads the environment of that host. Use C(delegate_to=localhost) or
    C(connection=local) to run it on the controller.
  - What C(environment) of a task or play sets reaches the module too, but Ansible puts it on a command line, where
    C(-vvv) and the list of processes show it. Keep credentials out of it and use the options.
"""
