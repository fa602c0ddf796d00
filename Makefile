# Kinora: set-up, build, tests. `make help` lists the targets; everything that is made lies under build/.
# Each step is one line with its time; its output goes to build/log/NAME.log, V=1 shows it as well.

SHELL := /bin/bash
.DEFAULT_GOAL := all
.NOTPARALLEL:
.PHONY: all apt apt-check deps peer build build-tests models models-check models-all oracle-venv demo check torture bench asan tsan clang \
        format clean distclean help

step := tools/setup/step

# Objects are found again in a clone elsewhere: paths below the project count as relative.
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1
# A Python started by a test leaves nothing in the source folders.
export PYTHONDONTWRITEBYTECODE := 1
export V ?= 0

define configure-and-build
[ -e build/$(1)/build.ninja ] || $(step) configure-$(1) "configure $(1)" cmake --preset $(1)
$(step) build-$(1) "build $(1)" cmake --build build/$(1) $(if $(2),--target $(2))
endef

all: build ## build build/kinora, installing what that needs (default)

apt:
	@$(step) apt "Debian packages" tools/setup/apt.sh build

apt-check:
	@$(step) apt-check "Debian packages for the tests" tools/setup/apt.sh build check

deps: apt ## install Debian packages; build llama.cpp and whisper.cpp into build/deps
	@$(step) deps "llama.cpp and whisper.cpp (minutes, once)" tools/setup/deps.sh

peer: deps models ## what bench/ measures against: whisper.cpp's own command line, faster-whisper, other indexes
	@$(step) peer "whisper.cpp's command line" tools/setup/deps.sh peer
	@$(step) peer-venv "faster-whisper" tools/setup/venv.sh --in build/venv-peer speech-peer
	@$(step) index-peer "other indexes" tools/setup/index-peer.sh

build: deps
	@$(call configure-and-build,release,kinora kinora-decode manual)
	@ln -sfn release/kinora build/kinora && ln -sfn release/kinora-decode build/kinora-decode
	@ln -sfn release/kinora.1 build/kinora.1

build-tests: build
	@$(call configure-and-build,release,all)

models: apt ## make the default models in build/models
	@$(step) models "default models" tools/setup/models.sh

models-check: apt
	@$(step) models-check "models for the tests" tools/setup/models.sh check

models-all: models models-check ## make the optional models too (--scorer llm, MiniLM)

oracle-venv: models
	@$(step) oracle-venv "Python packages for the tests" tools/setup/venv.sh converters oracle

demo: build models ## ingest samples/ and recommend for two of its films
	@tools/demo

check: apt-check build-tests models models-check oracle-venv ## set up, build and run the tests
	@tests/run

torture: apt-check build-tests models models-check oracle-venv ## the long tests: kills, fuzzing, the long oracle
	@tests/run --torture

bench: apt-check build models models-check oracle-venv peer ## the benchmarks
	@$(call configure-and-build,release,hear)
	@$(call configure-and-build,release,embed-texts)
	@$(call configure-and-build,release,dense-bench)
	@bench/run

asan: apt-check build models ## unit and end-to-end tests under ASan and UBSan
	@tests/run --asan

tsan: apt-check build models ## the ingest's threads under TSan
	@tests/run --tsan

clang: apt-check build ## build with clang as well
	@$(call configure-and-build,clang)

format: apt-check ## lay out the C sources with clang-format
	@git ls-files -co --exclude-standard '*.c' '*.h' | xargs -r clang-format-14 -i

clean: ## remove what is built of Kinora itself; dependencies and models stay
	@rm -rf build/release build/debug build/asan build/tsan build/clang build/demo build/log build/kinora build/kinora-decode

distclean: ## remove build/ whole
	@rm -rf build

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile
