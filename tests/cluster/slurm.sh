#!/usr/bin/env bash
# A real SLURM of one node for tests, on Debian or Ubuntu, as root, on a machine or in a container
# that is there for tests: controller, node daemon and munge as plain processes, without systemd.
#   slurm.sh around COMMAND...    install it, start it, run the command, stop it
#   slurm.sh kill-node; slurm.sh start-node
# The command finds the folder of state, logs and configuration in OPENTDVP_TEST_CLUSTER, or in
# OPENTDVP_NO_CLUSTER why there is none. /etc/slurm/slurm.conf links to the folder, because
# Snakemake's job steps know no other place.
set -euo pipefail

link=/etc/slurm/slurm.conf
port=26817

fail() { echo "slurm.sh: $*" >&2; exit 1; }

install() {
	export DEBIAN_FRONTEND=noninteractive
	dpkg-query --show slurmctld slurmd slurm-client munge > /dev/null 2>&1 && return
	apt-get update -qq >&2 &&
		apt-get install -qq --no-install-recommends slurmctld slurmd slurm-client munge >&2
}

# Says why no cluster can be started, if so.
obstacle() {
	if [ "$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then
		echo "SLURM is installed and started by root on Debian or Ubuntu only"
	elif [ -e $link ] && [ ! -L $link ]; then
		echo "this machine belongs to a cluster already: there is $link"
	elif ! install; then
		echo "SLURM cannot be installed from this machine's packages"
	fi
}

# Four processors are offered whatever there are: jobs of tests mostly wait. Memory beyond what a
# job asked for is found by looking once a second; no cgroups are needed.
configure() {
	local host memory
	host=$(hostname -s)
	memory=$(awk '/MemTotal/ {print int($2 / 1024 * 0.9)}' /proc/meminfo)
	cat > "$folder/slurm.conf" <<-END
		ClusterName=test
		SlurmctldHost=$host(127.0.0.1)
		SlurmctldPort=$port
		SlurmdPort=$((port + 1))
		SlurmUser=root
		SlurmdUser=root
		AuthType=auth/munge
		AuthInfo=socket=$folder/munge.socket
		CredType=cred/munge
		MpiDefault=none
		MailProg=/bin/true
		StateSaveLocation=$folder/controller
		SlurmdSpoolDir=$folder/node
		SlurmctldPidFile=$folder/slurmctld.pid
		SlurmdPidFile=$folder/slurmd.pid
		SlurmctldLogFile=$folder/slurmctld.log
		SlurmdLogFile=$folder/slurmd.log
		SwitchType=switch/none
		ProctrackType=proctrack/linuxproc
		TaskPlugin=task/none
		JobAcctGatherType=jobacct_gather/linux
		JobAcctGatherFrequency=task=1
		JobAcctGatherParams=OverMemoryKill
		AccountingStorageType=accounting_storage/none
		SelectType=select/cons_tres
		SelectTypeParameters=CR_CPU_Memory
		SlurmdParameters=config_overrides
		SchedulerParameters=bf_interval=2,sched_interval=2,batch_sched_delay=0,sched_min_interval=0
		KillWait=5
		MinJobAge=300
		ReturnToService=2
		InactiveLimit=0
		NodeName=$host NodeAddr=127.0.0.1 CPUs=4 RealMemory=$memory State=UNKNOWN
		PartitionName=main Nodes=$host Default=YES MaxTime=INFINITE State=UP
	END
}

wait_for() {
	for _ in $(seq 150); do "$@" > /dev/null 2>&1 && return; sleep 0.2; done
	fail "$* does not succeed; see $folder"
}

# run NAME COMMAND...: in a session of its own, so that no signal for a test reaches it
run() {
	setsid "${@:2}" < /dev/null >> "$folder/$1.out" 2>&1 &
	echo $! > "$folder/$1.process"
	disown
}

start_node() {
	run slurmd slurmd -D
	wait_for node_is_up
}

node_is_up() {
	scontrol update NodeName="$(hostname -s)" State=RESUME 2> /dev/null || true
	sinfo --noheader --format %T | grep --extended-regexp --quiet '^(idle|mixed|allocated)$'
}

start() {
	mkdir -p "$folder"/{controller,node} /etc/slurm
	chmod 755 "$folder"
	configure
	ln -sfn "$folder/slurm.conf" $link
	head --bytes 1024 /dev/urandom > "$folder/munge.key"
	chmod 600 "$folder/munge.key"
	run munged munged --foreground --force --key-file="$folder/munge.key" --socket="$folder/munge.socket" \
		--pid-file="$folder/munged.pid" --seed-file="$folder/munge.seed" --log-file="$folder/munged.log"
	wait_for munge --socket="$folder/munge.socket" --no-input
	run slurmctld slurmctld -D -i
	wait_for scontrol ping
	start_node
}

kill_node() { kill -KILL "$(cat "$folder/slurmd.process")"; }

stop() {
	scancel --user root --quiet || true
	sleep 1
	for name in slurmd slurmctld munged; do
		kill "$(cat "$folder/$name.process")" 2> /dev/null || true
	done
	rm -f $link
}

around() {
	OPENTDVP_NO_CLUSTER=$(obstacle)
	export OPENTDVP_NO_CLUSTER
	[ -z "$OPENTDVP_NO_CLUSTER" ] || exec "$@"
	folder=$(mktemp --directory)
	export OPENTDVP_TEST_CLUSTER=$folder
	trap stop EXIT
	start
	"$@"
}

case $1 in
	around) "$@" ;;
	kill-node | start-node) folder=$OPENTDVP_TEST_CLUSTER; "${1/-/_}" ;;
	*) fail "unknown: $1" ;;
esac
