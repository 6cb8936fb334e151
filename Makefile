# make run       install what is missing and make netboot files from an image
# make test      install what is missing and run all unit and integration tests
# make coverage  the same, and print which part of src the tests reach
# make e2e       boot machines in QEMU, from a real registry and over the network; random inputs
# make bench     measure; make bench-serve measures the serving only
# make check     types, lint, format, imports, exports, prose, generated documents
#
# Everything that a machine needs is named here (Debian packages) and in package.json (npm packages).

RUN_PACKAGES   = squashfs-tools isal zstd fakeroot
# For boot ISOs and unified kernel images.
MEDIA_PACKAGES = xorriso isolinux syslinux-common ipxe mtools grub-common grub-efi-amd64-bin \
                 systemd-boot-efi sbsigntool
TEST_PACKAGES  = $(RUN_PACKAGES) $(MEDIA_PACKAGES) attr libcap2-bin umoci skopeo docker-registry apache2-utils \
                 tinyproxy-bin nginx-light socat \
                 curl tftp-hpa tshark iproute2 dnsmasq-base busybox isc-dhcp-client isc-dhcp-server kea-dhcp4-server \
                 nftables systemd openssl groff-base cpio xz-utils lz4 bzip2 binutils rpm sqlite3 dosfstools fdisk faketime
E2E_PACKAGES   = $(TEST_PACKAGES) mmdebstrap gpg debian-archive-keyring pigz qemu-system-x86 \
                 ovmf ipxe-qemu chromium podman
BENCH_PACKAGES = $(TEST_PACKAGES) mmdebstrap gpg debian-archive-keyring pigz $(SERVE_BENCH_PACKAGES)
SERVE_BENCH_PACKAGES = $(RUN_PACKAGES) nginx-light dnsmasq-base curl apache2-utils iproute2

DEMO  = oci:testdata/demo-image
IMAGE = $(DEMO)
OUT   = out
# The demo image exists for one architecture only.
PLATFORM = $(if $(filter $(DEMO),$(IMAGE)),linux/amd64)
# Further options of extract; for the demo image, everything that extract can make.
OPTIONS = $(if $(filter $(DEMO),$(IMAGE)),--url http://192.168.1.10/kairos --iso --uki --sbom)

SOURCES = $(shell find src -name '*.ts')
TESTS   = $(shell find test -name '*.test.ts' -not -path 'test/e2e/*')
compiled = $(patsubst %.ts,.build/%.js,$(1))

.PHONY: run test coverage e2e bench bench-serve check clean \
  run-packages media-packages test-packages e2e-packages bench-packages serve-bench-packages
.DELETE_ON_ERROR:

run: run-packages $(if $(filter --iso --uki,$(OPTIONS)),media-packages) dist/.complete
	node bin/kairos-netboot.js extract '$(IMAGE)' -o '$(OUT)' $(if $(PLATFORM),--platform $(PLATFORM)) $(OPTIONS)
	node bin/kairos-netboot.js verify '$(OUT)'
	@echo && ls -l '$(OUT)'

# Many tests wait for a process, so four files run concurrently on two cores.
test: test-packages dist/.complete .build/.complete
	$(call node-test,--test-concurrency=4 --test-timeout=600000,$(TESTS))

# Node writes what each process of the tests ran, and c8 adds it up by source file.
coverage: export NODE_V8_COVERAGE = $(CURDIR)/.build/coverage
coverage: test-packages dist/.complete .build/.complete
	rm -rf .build/coverage
	$(call node-test,--test-concurrency=4 --test-timeout=600000,$(TESTS))
	env -u NODE_V8_COVERAGE npx c8 report --temp-directory .build/coverage --exclude-after-remap \
	  --include 'src/**' --reporter text --reporter text-summary

e2e: e2e-packages dist/.complete .build/.complete
	$(call node-test,--test-concurrency=2 --test-timeout=1200000,\
	    $(shell find test/e2e -name '*.test.ts') test/boot-server/fuzz.test.ts \
	    test/layers/random-stacks.test.ts)

e2e: export FUZZ_DATAGRAMS = 1000000
e2e: export FUZZ_REQUESTS = 10000
e2e: export LAYERS_RUNS = 2000

# Arguments: options and files. Prints the failed tests last, so that the end of a log is enough.
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

# Without scripts: "prepare" in package.json would run the build that follows below.
node_modules/.complete: package.json package-lock.json
	npm ci --no-audit --no-fund --ignore-scripts
	@touch $@

dist/.complete: node_modules/.complete tsconfig.json esbuild.config.js $(SOURCES)
	rm -rf dist
	npm run --silent build
	@touch $@

.build/.complete: node_modules/.complete esbuild.config.js $(SOURCES) $(shell find test -name '*.ts')
	rm -rf .build
	npm run --silent bundle:tests
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
