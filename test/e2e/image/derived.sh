#!/bin/sh
# Runs in the derived layer's root: the changes of a user's own small image.
set -eu
cd /opt/e2e
echo derived > replaced
rm deleted
echo derived > deleted-then-restored
rm becomes-directory
mkdir becomes-directory
echo derived > becomes-directory/inside
rm -r becomes-file
echo derived > becomes-file
rm links/1
