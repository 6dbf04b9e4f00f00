# opentdvp with everything it needs, from the hashed lock. Not tested: no container engine was at hand.
#   docker build --tag opentdvp .
#   docker run --rm --volume "$PWD/results:/opentdvp/results" --volume "$PWD/figures:/opentdvp/figures" opentdvp
# On clusters: apptainer build opentdvp.sif docker-daemon:opentdvp:latest
FROM python:3.11-slim
# git: the revision that files and figures name
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git make \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /opentdvp
COPY . .
RUN make .venv/.ready
ENV PATH=/opentdvp/.venv/bin:$PATH
CMD ["make", "figures"]
