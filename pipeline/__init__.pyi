from pipeline.api import Study as Study
from pipeline.api import load_study as load_study
from pipeline.api import tune as tune

__version__: str
