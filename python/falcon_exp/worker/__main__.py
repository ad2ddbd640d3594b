"""``python -m falcon_exp.worker``: runs the supervisor, and nothing more: multiprocessing imports this file again."""

if __name__ == "__main__":
    import sys

    from falcon_exp.worker.supervisor.main import main

    sys.exit(main())
