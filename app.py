"""Eigenscope: ``streamlit run app.py``."""

from pages.ui.nav import main

if __name__ == "__main__":  # processes spawned by a run import this file again and must not start an app
    main()
