# supervise.sh: own one PostgreSQL server for exactly as long as the owner lives.
#
# usage: sh -c "$(cat supervise.sh)" supervise DIR BINDIR [PG_BASEBACKUP]
#
# Standard input is a pipe whose only writing end the owner holds. The kernel
# closes it however the owner ends (return, panic, SIGKILL), so end of input is
# the one signal that can never be lost: the server is stopped and DIR removed.
# The line "start" starts the server (again); "keep" lets it outlive the owner.
#
# DIR belongs to the user that runs this and holds: pwfile (consumed), or primary
# (consumed), the connection string of the server to make a standby of;
# settings.conf (appended to postgresql.conf), data/, log, alive (a pipe that every
# process of a server holds), and exit (the status of a server that has ended with
# all its processes).
dir=$1
bin=$2
backup=$3

# Only the owner decides. A non-interactive shell also starts background jobs
# with INT and QUIT ignored; trapping them here keeps them deliverable there.
trap : HUP INT QUIT TERM

init() {
    "$bin/initdb" --pgdata="$dir/data" --username=postgres --pwfile="$dir/pwfile" \
        --auth-local=trust --auth-host=scram-sha-256 \
        --encoding=UTF8 --locale="$1" --no-sync --no-instructions
}

# The password is in the file and in what pg_basebackup writes, never in arguments.
follow() {
    PGSERVICEFILE="$dir/primary" "$backup" --dbname=service=primary --pgdata="$dir/data" \
        --checkpoint=fast --wal-method=stream --write-recovery-conf --no-sync --no-password
}

worker() {
    trap : HUP INT QUIT TERM # stay until the child has ended, then report it
    if [ ! -e "$dir/ready" ]; then
        # C.UTF-8 gives case rules beyond ASCII and sorts by code point; a
        # system that lacks it (older macOS) gets plain C.
        if [ -e "$dir/primary" ]; then
            follow || { echo 1 >"$dir/exit"; return; }
        else
            init C.UTF-8 || { [ ! -e "$dir/ending" ] && init C; } || { echo 1 >"$dir/exit"; return; }
        fi
        rm -f "$dir/pwfile" "$dir/primary"
        cat "$dir/settings.conf" >>"$dir/data/postgresql.conf"
        : >"$dir/ready"
    fi
    status=0
    if [ ! -e "$dir/ending" ]; then
        # Every process of the server inherits the writing end. Those of a server that
        # was killed live on until they next wait for something, with its port and its
        # shared memory: it has ended when the last of them has.
        rm -f "$dir/alive"
        mkfifo "$dir/alive"
        cat "$dir/alive" >/dev/null &
        everyone=$!
        "$bin/postgres" -D "$dir/data" 9>"$dir/alive"
        status=$?
        survivors
        while kill -0 "$everyone" 2>/dev/null; do
            wait "$everyone"
        done
    fi
    echo "$status" >"$dir/exit"
}

# survivors kills what has outlived a server that was killed: a session that is at work
# may take any time, or have no end. /proc says who they are; where there is none, they
# end by themselves.
survivors() {
    for held in /proc/[0-9]*/fd/9; do
        if [ "$held" -ef "$dir/alive" ]; then
            survivor=${held#/proc/}
            kill -KILL "${survivor%/fd/9}" 2>/dev/null
        fi
    done
}

pid=
while read -r word; do
    case $word in
    start)
        worker </dev/null >>"$dir/log" 2>&1 &
        pid=$!
        ;;
    keep) exit 0 ;;
    esac
done

: >"$dir/ending"
# The group is ours alone (the owner starts us in a session of our own), so
# TERM reaches initdb and whatever it runs; QUIT is PostgreSQL's immediate
# shutdown. A postmaster.pid left by a crash may name a stranger's process.
kill -TERM 0
if [ ! -e "$dir/exit" ] && postmaster=$(head -n 1 "$dir/data/postmaster.pid" 2>/dev/null); then
    kill -QUIT "$postmaster" 2>/dev/null
fi
while [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; do
    wait "$pid"
done
tries=0
until rm -rf "$dir" 2>/dev/null || [ "$tries" -ge 50 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
