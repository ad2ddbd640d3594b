#!/bin/bash
#SBATCH --job-name=falcon-exp-20261124T120305Z-5881-0
#SBATCH --array=0-2,5%2
#SBATCH --output="/shared/my results/100%%/quant/20261124T120305Z-5881/slurm/%A_%a.out"
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --signal=B:TERM@120
#SBATCH --partition=gpu
#SBATCH --account=lab
#SBATCH --qos=long
#SBATCH --time=01:30:00
#SBATCH --gres=gpu:1
#SBATCH --cpus-per-task=8
#SBATCH --mem=64G
#SBATCH --constraint="[a100|h100]"
#SBATCH --exclude=n[3-4]
#SBATCH --nice=100
#SBATCH --exclusive
#SBATCH --comment="a \"wide\" sweep"

cd '/home/o'\''neil'
module load cuda/12.6
export HF_HOME=/shared/hf
# Replaces the shell, so that the signal before the time limit reaches it.
exec /usr/bin/node /opt/falcon-exp/bin/falcon-exp.js run --plan '/shared/my results/100%/quant/20261124T120305Z-5881' --attempts 3 --retry-failed --python /opt/lab/bin/python --slice "$SLURM_ARRAY_TASK_ID/6"
