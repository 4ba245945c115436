# make demo   set everything up, draw a picture, encode it, decode it, compare; results in demo/
# make test   set everything up, run the tests
# make check  what CI runs besides the tests: lint and types
# make bench-quick                 all codecs on small pictures, in minutes: see bench/quick/report.html
# make bench-kodak KODAK=FOLDER    the rows behind the README's figures: hours; effort 6 and up: days
# make bench-scaling PICTURE=FILE  time and memory over pixels and threads: see bench/scaling/
# make bench-speed                 the speed of the parts beside that at the last commit

PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.ready

BENCH := $(VENV)/bin/imcodec bench
# of the Kodak pictures, those that are also encoded with more effort, and with most
EIGHT := $(foreach n,01 05 07 13 15 19 20 23,$(KODAK)/kodim$(n).png)
THREE := $(foreach n,05 15 23,$(KODAK)/kodim$(n).png)
KODAK_BENCH := $(BENCH) -o bench/kodak --title "The Kodak pictures" --qualities imcodec=25,50,75,90

.PHONY: demo test check bench-quick bench-kodak bench-scaling bench-speed clean

demo: $(READY)
	$(VENV)/bin/python benchmarks/demo/run.py demo

test: $(READY)
	$(VENV)/bin/python -m pytest -n auto

check: $(READY)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

bench-quick: $(READY)
	$(VENV)/bin/python benchmarks/pictures.py bench/pictures --side 128
	$(BENCH) bench/pictures -o bench/quick --title "Small pictures" --efforts 1,3 -j 2 \
		--codecs imcodec,imcodec-mlp,article-1,article-2,article-3,jpeg,webp,avif-420,avif-444,jxl,jpeg2000 \
		--qualities imcodec-mlp=50,100

# begins with the rows that are checked in, and puts back what it adds; goes on where it was stopped
bench-kodak: $(READY)
	@test -d "$(KODAK)" || { echo "make bench-kodak KODAK=folder of kodim01.png to kodim24.png"; exit 2; }
	mkdir -p bench/kodak
	test -e bench/kodak/rows.jsonl || cp benchmarks/results/kodak.jsonl bench/kodak/rows.jsonl
	$(KODAK_BENCH) $(EIGHT) $(KODAK) --efforts 1,2,3
	$(KODAK_BENCH) $(EIGHT) --efforts 4,5,6 --codecs imcodec,imcodec-mlp,article-1,article-2,article-3
	$(KODAK_BENCH) $(THREE) --efforts 7,8,9 --codecs imcodec
	cp bench/kodak/rows.jsonl benchmarks/results/kodak.jsonl
	$(VENV)/bin/python benchmarks/figures.py
	$(VENV)/bin/python benchmarks/tables.py

bench-scaling: $(READY)
	@test -f "$(PICTURE)" || { echo "make bench-scaling PICTURE=file of a photo"; exit 2; }
	$(BENCH) --scaling $(PICTURE) -o bench/scaling

bench-speed: $(READY)
	$(VENV)/bin/python benchmarks/speed/against.py

# pip is quiet on success; the stamp is made last, so that an interrupted set-up starts again
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) demo bench .pytest_cache .mypy_cache .ruff_cache .hypothesis dist
