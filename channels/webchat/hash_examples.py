"""How a site's own server makes the hash that proves who is logged in, in the languages such servers are written in.

`user_id` is the id of the user who is logged in, as text; a test runs the examples it has interpreters for.
"""

from __future__ import annotations

HASH_EXAMPLES = {
    "Python": (
        "import hashlib, hmac\nhash = hmac.new(IDENTITY_SECRET.encode(), user_id.encode(), hashlib.sha256).hexdigest()"
    ),
    "Node.js": (
        'const { createHmac } = require("node:crypto");\n'
        'const hash = createHmac("sha256", IDENTITY_SECRET).update(userId, "utf8").digest("hex");'
    ),
    "PHP": "$hash = hash_hmac('sha256', $userId, $identitySecret);",
    "Ruby": 'require "openssl"\nhash = OpenSSL::HMAC.hexdigest("SHA256", IDENTITY_SECRET, user_id)',
}
