# make run    set up what is missing and make netboot files from an image
# make test   set up what is missing and run all unit and integration tests
# make e2e    boot what extract made, in QEMU, from a real registry and over the network
# make bench  measure; make bench-serve measures the serving only
# make check  types, lint, format
# make again  run what failed in the tests before, one file at a time
#
# What a machine needs is named here (Debian's packages) and in package.json (npm's).

RUN_PACKAGES   = squashfs-tools isal zstd fakeroot
# What boot ISOs and unified kernel images are made of.
MEDIA_PACKAGES = xorriso isolinux syslinux-common ipxe mtools grub-common grub-efi-amd64-bin \
                 systemd-boot-efi sbsigntool
TEST_PACKAGES  = $(RUN_PACKAGES) $(MEDIA_PACKAGES) attr libcap2-bin umoci skopeo docker-registry apache2-utils \
                 tinyproxy-bin nginx-light socat \
                 curl tftp-hpa tshark iproute2 dnsmasq-base busybox isc-dhcp-client \
                 systemd openssl groff-base cpio xz-utils lz4 bzip2 binutils rpm sqlite3 dosfstools fdisk faketime
E2E_PACKAGES   = $(TEST_PACKAGES) mmdebstrap gpg debian-archive-keyring pigz qemu-system-x86 \
                 ovmf ipxe-qemu chromium podman
BENCH_PACKAGES = $(TEST_PACKAGES) mmdebstrap gpg debian-archive-keyring pigz $(SERVE_BENCH_PACKAGES)
SERVE_BENCH_PACKAGES = $(RUN_PACKAGES) nginx-light dnsmasq-base curl apache2-utils iproute2

DEMO  = oci:testdata/demo-image
IMAGE = $(DEMO)
OUT   = out
# The demo image is for one architecture only.
PLATFORM = $(if $(filter $(DEMO),$(IMAGE)),linux/amd64)
# Further options of extract; all that there is to make, for the demo image.
OPTIONS = $(if $(filter $(DEMO),$(IMAGE)),--url http://192.168.1.10/kairos --iso --uki --sbom)

SOURCES = $(shell find src -name '*.ts')
TESTS   = $(shell find test -name '*.test.ts' -not -path 'test/e2e/*')
compiled = $(patsubst %.ts,.build/%.js,$(1))

.PHONY: run test e2e again bench bench-serve check clean \
  run-packages media-packages test-packages e2e-packages bench-packages serve-bench-packages
.DELETE_ON_ERROR:

run: run-packages $(if $(filter --iso --uki,$(OPTIONS)),media-packages) dist/.complete
	node bin/kairos-netboot.js extract '$(IMAGE)' -o '$(OUT)' $(if $(PLATFORM),--platform $(PLATFORM)) $(OPTIONS)
	node bin/kairos-netboot.js verify '$(OUT)'
	@echo && ls -l '$(OUT)'

# Many wait for a process, a port or a time: four files at once on two cores.
test: test-packages dist/.complete .build/.complete
	$(call node-test,--test-concurrency=4 --test-timeout=300000,$(TESTS))

e2e: e2e-packages dist/.complete .build/.complete
	$(call node-test,--test-concurrency=2 --test-timeout=1200000,\
	    $(shell find test/e2e -name '*.test.ts') test/boot-server/fuzz.test.ts)

# Tells what is wrong from what a busy machine did to one of thousands of processes and pauses.
again: dist/.complete .build/.complete
	@[ -s .build/failed-tests ] || { echo 'No test is known to have failed.'; exit 1; }
	$(call node-test,--test-concurrency=1 --test-timeout=1200000,$(shell cut -d: -f1 .build/failed-tests 2>/dev/null | sort -u))

e2e again: export FUZZ_DATAGRAMS = 1000000
e2e again: export FUZZ_REQUESTS = 10000

# Options and files. Which tests failed is said last, so that the end of a log is enough.
node-test = node --test $(1) \
	  --test-reporter=$$([ -t 1 ] && echo spec || echo tap) --test-reporter-destination=stdout \
	  --test-reporter=./.build/test/failed-tests.js --test-reporter-destination=.build/failed-tests \
	  $(call compiled,$(2)) || { echo 'Failed:'; cat .build/failed-tests; exit 1; }

bench: bench-packages dist/.complete .build/.complete
	node .build/test/bench/extract.bench.js
	node .build/test/bench/memory.bench.js
	node .build/test/bench/pull.bench.js
	node .build/test/bench/serve.bench.js

bench-serve: serve-bench-packages dist/.complete .build/.complete
	node .build/test/bench/serve.bench.js

check: node_modules/.complete
	npm run --silent check

clean:
	rm -rf dist .build node_modules out

# Without scripts: "prepare" in package.json would build what is built below.
node_modules/.complete: package.json package-lock.json
	npm ci --no-audit --no-fund --ignore-scripts
	@touch $@

dist/.complete: node_modules/.complete tsconfig.json $(SOURCES)
	rm -rf dist
	npm run --silent build
	@touch $@

.build/.complete: node_modules/.complete tsconfig.json test/tsconfig.json $(SOURCES) $(shell find test -name '*.ts')
	rm -rf .build
	npx tsc -p test/tsconfig.json
	@touch $@

run-packages:   PACKAGES = $(RUN_PACKAGES)
media-packages: PACKAGES = $(MEDIA_PACKAGES)
test-packages:  PACKAGES = $(TEST_PACKAGES)
e2e-packages:   PACKAGES = $(E2E_PACKAGES)
bench-packages: PACKAGES = $(BENCH_PACKAGES)
serve-bench-packages: PACKAGES = $(SERVE_BENCH_PACKAGES)

run-packages media-packages test-packages e2e-packages bench-packages serve-bench-packages:
	@missing=; for package in $(PACKAGES); do \
	  dpkg-query -W -f '$${db:Status-Status}' $$package 2>/dev/null | grep -qx installed || missing="$$missing $$package"; \
	done; \
	[ -z "$$missing" ] && exit 0; \
	echo "Installing$$missing"; \
	if [ "$$(id -u)" = 0 ]; then as_root=; else as_root=sudo; fi; \
	$$as_root apt-get update -qq && \
	$$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $$missing >/dev/null
