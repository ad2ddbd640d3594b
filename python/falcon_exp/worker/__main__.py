"""``python -m falcon_exp.worker``: the supervisor. Multiprocessing imports this file again, so it only calls."""

if __name__ == "__main__":
    import sys

    from falcon_exp.worker.supervisor.main import main

    sys.exit(main())
