import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  OciClientError,
  type OciClientErrorCode,
  ociClientErrorCodes,
} from "../../../src/oci-client/index.js";
import { translateError } from "../../../src/sources/image-source/translate-error.js";
import { NetbootError } from "../../../src/support/index.js";

/** As the README documents exit statuses: 2 usage error, 3 image unavailable, 4 image unsuitable. */
const exitStatuses: Record<OciClientErrorCode, number> = {
  REFERENCE_INVALID: 2,
  PLATFORM_INVALID: 2,
  PLATFORM_NOT_FOUND: 3,
  REGISTRY_UNREACHABLE: 3,
  REGISTRY_DENIED: 3,
  REGISTRY_ERROR: 3,
  IMAGE_NOT_FOUND: 3,
  BLOB_NOT_FOUND: 3,
  BLOB_MISMATCH: 3,
  MANIFEST_INVALID: 3,
  MANIFEST_TOO_LARGE: 3,
  MANIFEST_SCHEMA1: 4,
  NOT_AN_IMAGE: 4,
  CREDENTIALS_INVALID: 3,
  REGISTRY_CONFIG_INVALID: 3,
};

describe("translateError", () => {
  for (const code of ociClientErrorCodes) {
    it(`keeps the code, the message, and the hint of ${code}, with its exit status`, () => {
      const cause = new OciClientError(code, "It fails.", { hint: "Repair it." });
      const error = translateError(cause);
      assert.ok(error instanceof NetbootError);
      assert.equal(error.code, code);
      assert.equal(error.message, "It fails.");
      assert.equal(error.hint, "Repair it.");
      assert.equal(error.exitStatus, exitStatuses[code]);
      assert.equal(error.cause, cause);
    });
  }

  it("returns other errors unchanged", () => {
    const error = new TypeError("a mistake");
    assert.equal(translateError(error), error);
  });
});
